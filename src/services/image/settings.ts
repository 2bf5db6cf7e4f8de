import type { Values } from '../../platform/config/schema.ts';
import { sectionOf } from '../../platform/config/section.ts';
import {
  boolean,
  choice,
  dictionary,
  integer,
  list,
  number,
  options,
  text,
} from '../../platform/config/setting.ts';
import { importPlugins } from './model/import-plugins.ts';
import { importMethods } from './model/import-request.ts';

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
  image_location_quota: integer({
    description: 'The most locations that PATCH gives an image; -1 for any number.',
    default: 10,
    min: -1,
    max: 10_000,
  }),
  enabled_import_methods: list({
    description: 'The ways of importing images that are offered.',
    default: importMethods,
  }),
  image_import_plugins: list({
    description: `What is done to imported images, in order: ${importPlugins.join(', ')}.`,
    default: [],
  }),
  conversion_output_format: choice(['raw', 'qcow2', 'vmdk'], {
    description: 'What the import plugin image_conversion turns images into.',
    default: 'raw',
  }),
  inject: dictionary({
    description: 'The properties that the import plugin inject_image_metadata sets.',
    default: {},
  }),
  inject_ignore_user_roles: list({
    description: 'Who has one of these roles gets no properties injected.',
    default: ['admin'],
  }),
  glance_download_extra_properties: list({
    description: 'Properties that come along with an image of another region, by how their names begin.',
    default: ['hw_', 'trait:', 'os_distro', 'os_secure_boot', 'os_type'],
  }),
  allowed_schemes: list({
    description:
      'The schemes that images are fetched over from the web; where empty, disallowed_schemes counts.',
    default: ['http', 'https'],
  }),
  disallowed_schemes: list({ description: 'The schemes that they are not fetched over.', default: [] }),
  allowed_hosts: list({
    description: 'The hosts that images are fetched from; where empty, disallowed_hosts counts.',
    default: [],
  }),
  disallowed_hosts: list({ description: 'The hosts that they are not fetched from.', default: [] }),
  allowed_ports: list({
    description: 'The ports that images are fetched from; where empty, disallowed_ports counts.',
    default: ['80', '443'],
  }),
  disallowed_ports: list({ description: 'The ports that they are not fetched from.', default: [] }),
  import_timeout: integer({
    description: 'How long an import may take to fetch an image, in seconds.',
    default: 6 * 3600,
    min: 1,
    max: 7 * 86_400,
  }),
  do_secure_hash: boolean({
    description: 'Hash what lies at the locations that are added to images.',
    default: true,
  }),
  http_retries: integer({
    description: 'How often hashing a location begins again after it broke off.',
    default: 3,
    min: 0,
    max: 100,
  }),
  show_image_direct_url: boolean({
    description: 'Show with an image where its best store has it.',
    default: false,
  }),
  show_multiple_locations: boolean({
    description: 'Show all locations with an image, and let PATCH change them.',
    default: false,
  }),
  image_cache_dir: text({
    description:
      "Where copies of remote stores' images are kept, below the service's folder; none where empty.",
    default: 'cache',
  }),
  image_cache_max_size: integer({
    description: 'How much they may take in all, in bytes; 0 for any amount.',
    default: 10 * 2 ** 30,
    min: 0,
    max: 2 ** 53 - 1,
  }),
  cache_prefetcher_interval: number({
    description: 'How many seconds an image that is queued for the cache waits until it is fetched.',
    default: 1,
    min: 0,
    max: 86_400,
  }),
  image_cache_stall_time: integer({
    description: 'After how many seconds without progress a copy counts as given up.',
    default: 86_400,
    min: 1,
    max: 10 * 365 * 86_400,
  }),
  task_time_to_live: integer({
    description: 'How long a task is remembered once it is over, in hours.',
    default: 48,
    min: 1,
    max: 100_000,
  }),
  use_keystone_limits: boolean({
    description: "Whether the projects' unified limits count for images.",
    default: false,
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
  gpt_safety_checks_nonfatal: list({
    description: 'What may be wrong with a disk that has partitions: nothing, or mbr.',
    default: [],
  }),
} as const;

export type ImageSettings = Values<typeof imageSettings>;

/** The service's settings out of what the program gives it; defaults where it says nothing. */
export const imageSettingsOf = (given: Readonly<Record<string, unknown>>): ImageSettings =>
  sectionOf(imageSettings, given);
