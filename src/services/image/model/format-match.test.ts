import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Findings } from '../../../platform/disk-image/inspection.ts';
import { UnsupportedMediaType } from '../../../platform/errors/errors.ts';
import { assertFormat } from './format-match.ts';

describe('what an image may be', () => {
  const found = (format: string, danger: string | null = null): Findings => ({
    format,
    danger,
    virtualSize: 7,
    size: 5,
  });
  const accepted = (disk_format: string, findings: Findings, strict = true, container_format = 'bare') =>
    assertFormat({ disk_format, container_format }, findings, {
      require_image_format_match: strict,
      gpt_safety_checks_nonfatal: [],
    });

  it('is what its disk format says', () => {
    assert.equal(accepted('qcow2', found('qcow2')), 7);
    assert.equal(accepted('raw', found('raw')), 7);
    for (const also of ['iso', 'gpt', 'luks']) assert.equal(accepted('raw', found(also)), 5);
    assert.equal(accepted('ami', found('raw')), null);
    for (const [claimed, is] of [
      ['qcow2', 'raw'],
      ['raw', 'qcow2'],
      ['raw', 'vmdk'],
      ['qcow2', 'vmdk'],
      ['iso', 'raw'],
      ['ami', 'qcow2'],
      ['ami', 'gpt'],
      ['iso', 'gpt'],
      ['ploop', 'raw'],
      ['raw', 'ploop'],
    ] as const) {
      assert.throws(
        () => accepted(claimed, found(is)),
        (error: Error) =>
          error instanceof UnsupportedMediaType &&
          error.message === `Image disk_format ${claimed} does not match stream data ${is}`,
      );
    }
  });

  it('need not be that where the operator says so, but never dangerous', () => {
    assert.equal(accepted('qcow2', found('raw'), false), null);
    assert.equal(accepted('raw', found('qcow2'), false), 5);
    for (const claimed of ['qcow2', 'raw'])
      assert.throws(
        () => accepted(claimed, found('qcow2', 'it has a backing file'), false),
        UnsupportedMediaType,
      );
  });

  it('may have a partition table that is not as it should be, where the operator says so', () => {
    const flawed = { ...found('gpt', 'its partition table is empty'), check: 'mbr' as const };
    const image = { disk_format: 'raw', container_format: 'bare' };
    const under = (gpt_safety_checks_nonfatal: string[]) => () =>
      assertFormat(image, flawed, { require_image_format_match: true, gpt_safety_checks_nonfatal });
    assert.throws(under([]), UnsupportedMediaType);
    assert.equal(under(['mbr'])(), 5);
  });

  it('is not looked into within a container', () => {
    assert.equal(accepted('vmdk', found('raw'), true, 'ova'), null);
  });
});
