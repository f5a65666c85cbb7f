"""lathe's Bayesian search without a server: `lathe job tune`, asked as a tuning job asks it."""

import json
import os
import socket
import struct
import subprocess

from regret.objectives import Choice

READY, CALL, REPLY = 1, 2, 3
REPORT = 3  # the descriptor that it talks on


class Search:
    def __init__(self, binary, space):
        self.space, self.trials = space, []
        self.socket, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [binary, "job", "tune", "/"], env={**os.environ, "LATHE_REPORT_FD": str(REPORT)},
            pass_fds=[REPORT], preexec_fn=lambda: os.dup2(theirs.fileno(), REPORT))
        theirs.close()
        if self.receive()[0] != READY:
            raise RuntimeError("lathe job tune does not get ready")

    def exactly(self, size):
        found = b""
        while len(found) < size:
            part = self.socket.recv(size - len(found))
            if not part:
                raise RuntimeError("lathe job tune has ended")
            found += part
        return found

    def receive(self):
        size, kind = struct.unpack("<IB3x", self.exactly(8))
        return kind, self.exactly(size)

    @staticmethod
    def parameter(one):
        if isinstance(one, Choice):
            return {"Kind": 2, "Choices": len(one.choices)}
        return {"Kind": int(one.whole), "Scaling": int(one.log), "Low": one.low, "High": one.high}

    def begin(self, seed):
        self.seed, self.trials = seed, []

    def next(self):
        """Values by name, and their numbers."""
        study = json.dumps({"Space": [self.parameter(one) for one in self.space], "Seed": self.seed,
                            "Trials": self.trials}).encode()
        self.socket.sendall(struct.pack("<IB3x", len(study), CALL) + study)
        kind, reply = self.receive()
        if kind != REPLY:
            raise RuntimeError(reply.decode())
        numbers = json.loads(reply)["Values"]
        values = [one.choices[int(number)] if isinstance(one, Choice) else int(number) if one.whole else number
                  for one, number in zip(self.space, numbers)]
        return {one.name: value for one, value in zip(self.space, values)}, numbers

    def tell(self, numbers, loss):
        self.trials.append({"Values": numbers, "Loss": loss})

    def close(self):
        self.socket.close()
        self.process.wait()


def trajectory(search, surrogate, seed, evaluations):
    """The best loss after each evaluation."""
    best = []
    search.begin(seed)
    for _ in range(evaluations):
        values, numbers = search.next()
        loss = surrogate(values)
        search.tell(numbers, loss)
        best.append(min(loss, best[-1]) if best else loss)
    return best
