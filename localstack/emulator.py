"""Runs MiniStack. Unless --detached it ends when its standard input does, so with whoever started it, however that ended."""

import os
import shutil
import signal
import sys
import threading

from ministack.app import main


def end_with_starter():
    sys.stdin.buffer.read()
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    # Its Lambdas, too. Nothing is to be saved.
    os.killpg(0, signal.SIGKILL)


detached = "--detached" in sys.argv
sys.argv = sys.argv[:1]
if not detached:
    threading.Thread(target=end_with_starter, daemon=True).start()
main()
