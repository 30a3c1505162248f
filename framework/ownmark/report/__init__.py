"""Reports: pure functions of the records of a run; the same records give the same bytes.

    from ownmark.report import matrix, write_report
    report = write_report("runs/quickstart")     # records.jsonl results.csv report.md report.html *.png
    rich.print(matrix(report.records, report.plan))

Rates are fractions of 1 everywhere, as in `ownmark.stats`. Failed cells are never averaged away, and cells that have
not run are shown as such. matplotlib and rich are imported when a picture or a table is made, torch never.
"""

from ownmark.report.read import Run, read_records, read_run
from ownmark.report.table import Matrix, matrix
from ownmark.report.write import Report, write_report

__all__ = ["Matrix", "Report", "Run", "matrix", "read_records", "read_run", "write_report"]
