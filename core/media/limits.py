"""How large a file may be. Limits are checked in the header first, and again while decoding.

Every number bounds the memory or time that one upload can cost.
"""

MAX_BYTES = 200 * 2**20  # Streamlit's own upload limit: 200 MB
MAX_SECONDS = 30 * 60.0  # 30 min at 16 kHz are 115 MB of float32
MAX_CHANNELS = 16  # third-order ambisonics; libsndfile itself would take 1024
MIN_RATE_HZ = 1_000
MAX_RATE_HZ = 384_000
MAX_SAMPLES = 2**28  # decoded per file, all channels together: 1 GiB of float32
MAX_PIXELS = 50_000_000  # a 50-megapixel camera: 150 MB of RGB
MAX_UNPACKED = 2_000  # decoded bytes for each byte of a picture; deflate, in PNG, reaches 1,032
MIN_JUDGED_BYTES = 30_000_000  # pictures that decode to less are never too empty
MAX_VIDEO_SIDE_PX = 4_096  # cinema 4K; decoders hold some 16 frames at once
MAX_ASPECT = 100.0  # a 1 x 50,000,000 strip explodes when its short side is resized
MAX_FRAMES = 30 * 60 * 120  # half an hour at 120 frames a second
# Decoded to reach one picture: a minute of full HD at 60 a second; in proportion above full HD.
MAX_FRAMES_PER_READ = 3_600
