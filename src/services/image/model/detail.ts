/**
 * Marks an error whose message glance gives to WebOb as the detail, so that it stands below the sentence that all errors
 * of the status have. Clients show both.
 */
export const asDetail = { code: 'image.detail' } as const;
