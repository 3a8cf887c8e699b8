"""Write the known answers of the encoders at hand to `core/encoders/fingerprints.json`.

    python -m tests.encoders.fingerprints [WEIGHTS_FOLDER]

Run it after an encoder's version has changed on purpose. Encoders whose weights are absent keep
what the file has.
"""

import json
import sys
from pathlib import Path

from core import encoders
from core.encoders import doctor


def main(folder: Path | None) -> None:
    known = json.loads(doctor.FILE.read_text()) if doctor.FILE.exists() else {}
    for name in encoders.names():
        if not encoders.card(name).fitted and encoders.present(name, folder):
            known[name] = doctor.fingerprint_of(encoders.load(name, folder))
            print(name)
    lines = [f"{json.dumps(name)}: {json.dumps(known[name])}" for name in sorted(known)]
    doctor.FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
