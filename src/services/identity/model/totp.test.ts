import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { totpPasscode, totpPasscodes } from './totp.ts';

describe('a TOTP passcode', () => {
  // RFC 6238, appendix B: the secret is the ASCII text 12345678901234567890; the last six of its eight digits.
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

  it('is that of the RFC', () => {
    const vectors: [number, string][] = [
      [59, '287082'],
      [1_111_111_109, '081804'],
      [1_111_111_111, '050471'],
      [1_234_567_890, '005924'],
      [2_000_000_000, '279037'],
      [20_000_000_000, '353130'],
    ];
    for (const [seconds, passcode] of vectors) assert.equal(totpPasscode(secret, seconds), passcode);
  });

  it('is good for so many periods more', () => {
    assert.deepEqual(totpPasscodes(secret, 1_111_111_111, 1), ['050471', '081804']);
    assert.deepEqual(totpPasscodes(`${secret}====`, 1_111_111_111, 0), ['050471']);
  });

  it('has a secret of base32', () => {
    assert.throws(() => totpPasscode('not base32!', 0), RangeError);
  });
});
