"""Reads a subunit v2 stream, writes one JSON object a line as soon as each test has ended."""
import json
import sys

import subunit
import testtools

LONGEST = 20000


def on_test(test):
    details = {}
    for name, content in test['details'].items():
        try:
            details[name] = content.as_text()[-LONGEST:]
        except Exception as error:
            details[name] = 'unreadable: %s' % error
    record = {'id': test['id'], 'status': test['status'], 'details': details}
    print(json.dumps(record), flush=True)


result = testtools.StreamToDict(on_test)
result.startTestRun()
subunit.ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name='output').run(result)
result.stopTestRun()
