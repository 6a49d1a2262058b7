"""The two formats of ``load`` and ``save``, one record at a time, streamed.

JSON lines: an object ``{"key": ..., "value": ...}`` a line; text, or ``{"b64": ...}`` for bytes that are not UTF-8.
CSV: two columns, key and value, as RFC 4180 has them. A first row ``key,value`` is the header. Under the header ``key,bytes`` cells
are bytes of any kind; else they are UTF-8.
"""

from kvtui.commands.records.lines import BadRecord
from kvtui.commands.records.reading import Format, Record, format_of, read_records
from kvtui.commands.records.writing import head, is_text, written

__all__ = ["BadRecord", "Format", "Record", "format_of", "head", "is_text", "read_records", "written"]
