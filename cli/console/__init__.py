"""The console: a page on this machine that shows a lab as it lives, and does what `./lab` does."""
