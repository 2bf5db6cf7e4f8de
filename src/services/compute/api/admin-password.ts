import { randomBytes } from 'node:crypto';
import type { Compute } from '../compute.ts';

/** The alphabet of upstream's generated passwords: what looks alike is left out. */
const passwordSymbols = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
export const newPassword = (length = 12): string =>
  [...randomBytes(length)].map((byte) => passwordSymbols[byte % passwordSymbols.length]).join('');

/** What is answered of a server's password, where the cloud says passwords: it is told once and not kept. */
export const passwordAnswer = ({ settings }: Compute, given?: string): { adminPass?: string } =>
  settings.enable_instance_password ? { adminPass: given ?? newPassword() } : {};
