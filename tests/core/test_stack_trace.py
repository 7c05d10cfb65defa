"""A stack trace is shown by its first frames and its cause."""

from __future__ import annotations

from logradar.core.stack_trace import essence


def test_java_with_several_causes():
    frames = [f"\tat org.app.C{i}.run(C{i}.java:{i})" for i in range(40)]
    deep = ["Caused by: java.io.IOException: a", *frames[:3], "Caused by: java.net.ConnectException: refused"]
    body = "\n".join(["saving failed", "app.Failure: no", *frames, *deep, "\tat java.net.Socket.connect(S.java:1)"])
    assert essence(body) == [
        "saving failed",
        "app.Failure: no",
        "at org.app.C0.run(C0.java:0)",
        "at org.app.C1.run(C1.java:1)",
        "Caused by: java.net.ConnectException: refused",
        "at java.net.Socket.connect(S.java:1)",
    ]


def test_python_has_the_innermost_frame_last():
    body = (
        'failed\nTraceback (most recent call last):\n  File "/a.py", line 1, in f\n    g()\n'
        '  File "/b.py", line 2, in g\n    h()\n  File "/c.py", line 3, in h\n    raise OSError\nOSError: disk full'
    )
    assert essence(body) == ["failed", 'File "/b.py", line 2, in g', 'File "/c.py", line 3, in h', "OSError: disk full"]


def test_other_records_give_their_first_line():
    assert essence("") == [""]
    assert essence("one\n  two: 3\nthree") == ["one"]
    assert len(essence("x\n" + "\tat a\n" * 100_000)) == 3
