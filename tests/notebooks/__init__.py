"""The notebooks of the lab, and the student who runs them: who goes with the last of them, not with the last test."""
