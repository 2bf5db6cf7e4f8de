/** Names of resource classes, traits and consumer types; 255 characters is what the columns hold. */
export const longestName = 255;

/** Whose allocations come without project and user, in microversions below 1.8. */
export const incompleteConsumer = '00000000-0000-0000-0000-000000000000';

const anyName = /^[A-Z0-9_]+$/;
const customName = /^CUSTOM_[A-Z0-9_]+$/;

/** Capital letters, digits and underscores: any resource class, trait or consumer type. */
export function isWellFormedName(name: string): boolean {
  return name.length <= longestName && anyName.test(name);
}

/** A resource class or trait that users may create: `CUSTOM_` and at least one character more. */
export function isCustomName(name: string): boolean {
  return name.length <= longestName && customName.test(name);
}

/** A legal custom name of any text, as nova makes resource classes of bare-metal nodes' words. */
export function toCustomName(text: string): string {
  return `CUSTOM_${text.replaceAll(/[^0-9A-Za-z]+/g, '_').toUpperCase()}`;
}
