"""Finding a file of a folder by some letters of its path; walked and matched in a child process."""
