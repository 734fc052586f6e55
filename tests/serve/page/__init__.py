"""The page's tests: a package, so that Chromium and the server end as soon as a test of another folder follows."""
