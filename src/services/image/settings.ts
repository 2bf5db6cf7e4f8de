import { boolean, integer } from '../../platform/config/setting.ts';

/** The section `image` of the cloud's settings; names and defaults are glance's where it has them. */
export const imageSettings = {
  image_size_cap: integer({
    description: 'The largest image that may be uploaded, in bytes.',
    default: 2 ** 40,
    min: 1,
    max: 2 ** 53 - 1,
  }),
  image_property_quota: integer({
    description: 'The most custom properties of an image; -1 for any number.',
    default: 128,
    min: -1,
    max: 10_000,
  }),
  image_tag_quota: integer({
    description: 'The most tags of an image; -1 for any number.',
    default: 128,
    min: -1,
    max: 10_000,
  }),
  image_member_quota: integer({
    description: 'The most projects that an image is shared with; -1 for any number.',
    default: 128,
    min: -1,
    max: 10_000,
  }),
  require_image_format_match: boolean({
    description: 'Refuse data that is not what the disk format of its image says.',
    default: true,
  }),
} as const;

export interface ImageSettings {
  image_size_cap: number;
  image_property_quota: number;
  image_tag_quota: number;
  image_member_quota: number;
  require_image_format_match: boolean;
}

/** The service's settings out of what the program gives it; defaults where it says nothing. */
export function imageSettingsOf(given: Readonly<Record<string, unknown>>): ImageSettings {
  const read = <T>(setting: { byDefault(): T; parse(value: unknown): T }, name: string): T =>
    given[name] === undefined ? setting.byDefault() : setting.parse(given[name]);
  return {
    image_size_cap: read(imageSettings.image_size_cap, 'image_size_cap'),
    image_property_quota: read(imageSettings.image_property_quota, 'image_property_quota'),
    image_tag_quota: read(imageSettings.image_tag_quota, 'image_tag_quota'),
    image_member_quota: read(imageSettings.image_member_quota, 'image_member_quota'),
    require_image_format_match: read(imageSettings.require_image_format_match, 'require_image_format_match'),
  };
}
