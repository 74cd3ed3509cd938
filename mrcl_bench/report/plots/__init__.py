"""One module per figure of the report, each with ``figure``; see `mrcl_bench.report.figures`."""
