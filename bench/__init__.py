"""What is measured, side by side in one run, and by anyone: `./lab bench`."""
