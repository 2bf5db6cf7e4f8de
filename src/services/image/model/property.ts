/** Custom properties that may be null, as glance's `schema-image.json` has them; all others are texts. */
const nullable = ['kernel_id', 'ramdisk_id'] as const;

/** How a property is kept. No id is an empty text, so an empty text stands for null where null may be. */
export const storedProperty = (value: unknown): string => (value === null ? '' : (value as string));

/** Those of an image's properties that are there and are null. */
export function nullProperties(properties: Readonly<Record<string, string>>): Record<string, null> {
  const nulls: Record<string, null> = {};
  for (const name of nullable) if (properties[name] === '') nulls[name] = null;
  return nulls;
}
