"""The command line: one file a verb, imported when its verb is called."""
