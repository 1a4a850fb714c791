"""Small files of each kind that people send."""

from __future__ import annotations

import base64
import zlib

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(40) + b"\xff\xd9"
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(24)
OGG = b"OggS\x00\x02" + bytes(22) + b"OpusHead" + bytes(40)


def pdf(words: str, bomb: int = 0) -> bytes:
    """One page that says ``words``; before them, ``bomb`` bytes of blanks, packed."""
    drawn = f"BT /F1 12 Tf 20 50 Td ({words}) Tj ET".encode()
    packed = zlib.compressobj(9)
    blanks = b" " * (1 << 20)
    stream = b"".join(packed.compress(blanks) for _ in range(bomb >> 20)) + packed.compress(drawn) + packed.flush()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 100] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    file, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return file + b"xref\n0 7\n0000000000 65535 f \n%strailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        len(file),
    )
