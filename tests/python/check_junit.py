"""Exits 0 where every FILE is JUnit XML: checked against junit.xsd with lxml where that is
installed, else well-formed and of the same structure by the standard library alone."""

import sys
import xml.etree.ElementTree as tree
from pathlib import Path

COUNTS = {"name", "tests", "failures", "errors", "skipped", "time"}
RESULTS = {
    "failure": ("message", "type"),
    "error": ("message", "type"),
    "skipped": ("message",),
    "system-out": (),
}


def check_structure(path):
    suites = tree.parse(path).getroot()
    assert suites.tag == "testsuites" and set(suites.attrib) == COUNTS, suites.tag
    for suite in suites:
        assert suite.tag == "testsuite" and set(suite.attrib) == COUNTS, suite.tag
        cases = [child for child in suite if child.tag != "system-err"]
        assert cases == list(suite)[: len(cases)] and len(suite) <= len(cases) + 1
        assert int(suite.get("tests")) == len(cases) > 0
        for case in cases:
            assert case.tag == "testcase" and set(case.attrib) == {"name", "classname", "time"}
            assert len(case) <= 1
            for result in case:
                assert set(result.attrib) == set(RESULTS[result.tag]), result.tag
                assert len(result) == 0
        for tag, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.get(count)) == sum(c.find(tag) is not None for c in cases)


def check_schema(path):
    try:
        from lxml import etree
    except ImportError:
        return
    schema = Path(__file__).parent.parent / "analysis" / "junit.xsd"
    etree.XMLSchema(etree.parse(str(schema))).assertValid(etree.parse(path))


for name in sys.argv[1:]:
    check_structure(name)
    check_schema(name)
