"""ffmpeg as an encoder that publishes by WHIP."""

import contextlib
import subprocess
from collections.abc import Iterator

import imageio_ffmpeg  # type: ignore[import-untyped]

SIZE = (320, 180)


@contextlib.contextmanager
def encoder(address: str, secret: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Publishes a red picture and a tone at an address, until the end."""
    width, height = SIZE
    picture = ["-re", "-f", "lavfi", "-i", f"color=c=red:s={width}x{height}:r=15"]
    sound = ["-f", "lavfi", "-i", "sine=440:r=48000"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-bf", "0", "-g", "15"]
    codecs += ["-pix_fmt", "yuv420p", "-c:a", "libopus", "-ac", "2"]
    target = ["-f", "whip", "-handshake_timeout", "30000", "-authorization", secret, f"{address}/whip"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *picture, *sound, *codecs, *target]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
