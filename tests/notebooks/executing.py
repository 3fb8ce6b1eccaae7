"""Executes a notebook: ``executing.py BOOK FOLDER KERNELS SECONDS``; the book is written over.

A process of its own: nbclient leaves sockets open, which the tests' would be blamed for.
"""

import sys
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient


def main(book: Path, folder: str, *, kernels: str, seconds: int) -> None:
    read = nbformat.read(book, as_version=4)
    specs = KernelSpecManager(kernel_dirs=[kernels], ensure_native_kernel=False)
    kernel = AsyncKernelManager(
        kernel_name="these-tests",
        kernel_spec_manager=specs,
        connection_file=str(book.with_name("connection.json")),
    )
    where = {"metadata": {"path": folder}}
    NotebookClient(read, km=kernel, timeout=seconds, resources=where).execute()
    nbformat.write(read, book)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], kernels=sys.argv[3], seconds=int(sys.argv[4]))
