"""moto's AWS on a free loopback port, with the resource types that its CloudFormation lacks.

Says {"port": ..., "types": [...], "taught": [...]} on one line of standard output; ends when its standard input does, so it cannot outlive its parent.
"""

import json
import logging
import os
import sys
import threading
import warnings


def main() -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()
    # A line per request, and a warning per type that is lacking: the deploy test tells of those itself.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    logging.getLogger("moto").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message="Tried to parse")
    from moto.cloudformation import parsing
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    # moto reads it when it needs its own address.
    os.environ["MOTO_PORT"] = str(server.port)
    import repairs
    import taught_types

    repairs.apply()
    taught = taught_types.teach(f"http://127.0.0.1:{server.port}")
    known = sorted(parsing.get_model_map())
    print(json.dumps({"port": server.port, "types": known, "taught": taught}), flush=True)
    server.serve_forever()


def end_with_parent() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


main()
