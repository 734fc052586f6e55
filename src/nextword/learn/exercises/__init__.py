"""The exercises, a file each: the task, the known mistakes, and the experiments that tell them apart."""
