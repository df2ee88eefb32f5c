"""Where the judges' stand-ins are, and how a client of them is connected."""

import clients
import lab

LAB = lab.tests_dir("standin")
DATABASE = "judged"


def connected(kind, server, directory, **options):
    """A client of the kind, connected with TLS for all it says."""
    client = kind(directory) if issubclass(kind, clients.Program) else kind()
    client.do("connect", port=server.port, database=DATABASE, password=lab.PASSWORD, encrypt=True,
              **({"cafile": str(server.certificate)} if kind is clients.PythonTds else {}), **options)
    return client
