"""`python -m embedded_aws` is the command `embedded-aws`."""

import gc

if __name__ == "__main__":
    gc.disable()  # looking for garbage, of which imports leave none, takes a fifth of their time

from embedded_aws.cli import main

if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    main()
