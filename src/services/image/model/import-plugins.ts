/** What may be done to an image between its coming and its stores, in the order of the setting `image_import_plugins`. */
export const importPlugins = [
  'no_op',
  'image_conversion',
  'image_decompression',
  'inject_image_metadata',
] as const;
