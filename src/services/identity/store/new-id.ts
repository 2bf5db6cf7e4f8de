import { randomUUID } from 'node:crypto';

/** An id as identity makes them: a UUID without hyphens, which a token holds in 16 bytes. */
export const newId = (): string => randomUUID().replaceAll('-', '');
