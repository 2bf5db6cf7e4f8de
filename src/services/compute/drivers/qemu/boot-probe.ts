/** The code of boot-probe.s, assembled; it is padded to a boot sector of 512 bytes with the signature at its end. */
const code = Buffer.from(
  '+jHAjtiOwI7Q/L8AkGYxwLkAGPOrZscGAJADoAAAZscGAKADsAAAZscGALCDAAAADwEWmHwPIOBmg8ggDyLgZrgAkAAADyLYZrmA' +
    'AADADzJmDQABAAAPMA8gwGYNAQAAgA8iwOppfAgAuQAtMQH/yXX8sBDm9PTr/Q8fgAAAAAAAAAAAAAAAAP//AAAAmq8A//8AAACS' +
    'zwAXAIB8AAAAAA==',
  'base64',
);

/** QEMU's exit status when the boot sector ran to its end. */
export const bootProbeStatus = 33;

/** A disk of one sector whose code says by `bootProbeStatus` that the processor really runs guests. */
export function bootProbeSector(): Buffer {
  const sector = Buffer.alloc(512);
  code.copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}
