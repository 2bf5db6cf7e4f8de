import type { Values } from '../../platform/config/schema.ts';
import { sectionOf } from '../../platform/config/section.ts';
import { boolean, dictionary, integer, list, options, text } from '../../platform/config/setting.ts';

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
  enabled_import_methods: list({
    description: 'The ways of importing images that are offered.',
    default: [],
  }),
  enabled_backends: dictionary({
    description: 'The stores of images and what each is made of: file, http or s3.',
    default: { file: 'file' },
  }),
  default_backend: text({
    description: 'The store that images go to when nobody says which; the first where this is empty.',
    default: '',
  }),
  stores: options({
    description: "Each store's options by its name: store_description, weight, and those of its kind.",
    default: {},
    secret: true,
  }),
  require_image_format_match: boolean({
    description: 'Refuse data that is not what the disk format of its image says.',
    default: true,
  }),
} as const;

export type ImageSettings = Values<typeof imageSettings>;

/** The service's settings out of what the program gives it; defaults where it says nothing. */
export const imageSettingsOf = (given: Readonly<Record<string, unknown>>): ImageSettings =>
  sectionOf(imageSettings, given);
