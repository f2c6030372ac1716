"""Join a job's network as a host, then run a command: `join_network.py HUB ADDRESS CHANNEL PORT… -- COMMAND…`.

To be started in a network namespace of its own. HUB is the id of the process in whose namespace the hosts' cables meet,
ADDRESS is this host's, with the network's length. CHANNEL is a socket of the owner's: by it go sockets that listen on
each PORT of this host's loopback address, and a byte comes when every host is there. Then the command is executed.
"""

import os
import socket
import subprocess
import sys

BRIDGE = "hosts"
INTERFACE = "eth0"
LOOPBACK = "127.0.0.1"


def main() -> None:
    """Do it; only a failure returns, with SystemExit."""
    hub, address, channel, *rest = sys.argv[1:]
    ports, command = rest[: rest.index("--")], rest[rest.index("--") + 1 :]
    plug_in(hub, address)
    with socket.socket(fileno=int(channel)) as owner:
        listening = [socket.create_server((LOOPBACK, int(port))) for port in ports]
        socket.send_fds(owner, [b"r"], [each.fileno() for each in listening])
        if not owner.recv(1):
            sys.exit("The owner of the job has gone.")
    os.execvp(command[0], command)


def plug_in(hub: str, address: str) -> None:
    """Lay a cable to the hub, and take the address."""
    plug = f"host{os.getpid()}"
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", INTERFACE, "type", "veth", "peer", "name", plug, "netns", hub)
    run("ip", "address", "add", address, "dev", INTERFACE)
    run("nsenter", "--net", "--target", hub, "ip", "link", "set", plug, "master", BRIDGE, "up")
    run("ip", "link", "set", INTERFACE, "up")


def run(*command: str) -> None:
    """Run a program; end with its words if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"The job's network could not be made: {' '.join(command[:3])}: {done.stderr.strip()}")


if __name__ == "__main__":
    main()
