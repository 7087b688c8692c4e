# Made the pictures here, with Pillow: a black L of 120x160 pixels on white, which formats_test.go reads.
import numpy as np
from PIL import Image
a = np.full((160, 120), 255, np.uint8)
a[20:140, 30:42] = 0
a[126:140, 30:90] = 0
L = Image.fromarray(a)
L.save("lossless.webp", lossless=True)
L.convert("RGB").save("lossy.webp", quality=90)
L.convert("CMYK").save("cmyk.jpg", quality=90)
L.convert("1").save("bilevel.bmp")
L.save("lzw.tif", compression="tiff_lzw")
r = Image.new("RGB", (120, 160), "white")
L.convert("P").save("animated.gif", save_all=True, append_images=[r.convert("P")])
L.save("progressive.jpg", quality=90, progressive=True)
# Pillow writes no interlaced PNG: Adam7 by hand.
import struct, zlib
def chunk(t, d): return struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
raw = b""
for x0, y0, dx, dy in [(0,0,8,8),(4,0,8,8),(0,4,4,8),(2,0,4,4),(0,2,2,4),(1,0,2,2),(0,1,1,2)]:
    for row in a[y0::dy, x0::dx]: raw += b"\0" + row.tobytes()
open("interlaced.png","wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB",120,160,8,0,0,0,1)) + chunk(b"IDAT", zlib.compress(raw,9)) + chunk(b"IEND", b""))
