# The kernel "Python 3 (lab)" of a notebook instance: `kernel.sh CONNECTION_FILE`.
# It begins with the lab's variables: no Jupyter server has to read them anew. Until the lab's packages are there it is one
# of the machine's own Pythons, in which a notebook's first cell says so; a restart of the kernel then finds them.
lab="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$lab/variables.sh"
python="$lab/python/bin/python"
if ! { [ -e "$lab/python/complete" ] && "$python" -c ""; }; then
    export BRICKLAB_PACKAGES="$lab/packages.txt"
    for python in "$HOME"/anaconda3/envs/{python3,*}/bin/python python3; do
        if "$python" -c "import ipykernel" 2> /dev/null; then break; fi
    done
fi
case "$python" in */*) export PATH="${python%/*}:$PATH" ;; esac # for `!pip`
exec "$python" -m ipykernel_launcher -f "$1"
