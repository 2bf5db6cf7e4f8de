import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { sameSecret } from '../../../platform/auth/same-secret.ts';
import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';

/** The guest that asks, as the network's metadata proxy says. */
export interface MetadataCaller {
  serverId: string;
  projectId: string;
  /** The guest's own address. */
  address: string | undefined;
}

/**
 * Who asks, by the headers that the network's metadata proxy adds. They are believed because of the signature:
 * HMAC-SHA256 in hex of the server's id, with the secret that this cloud's proxies have.
 * Source: nova/api/metadata/handler.py `_handle_instance_id_request`.
 *
 * @throws BadRequest where a header is missing, Forbidden where the signature is wrong
 */
export function metadataCaller(headers: IncomingHttpHeaders, secret: string): MetadataCaller {
  const [serverId, signature, projectId, forwardedFor] = [
    headers['x-instance-id'],
    headers['x-instance-id-signature'],
    headers['x-tenant-id'],
    headers['x-forwarded-for'],
  ].map((each) => (Array.isArray(each) ? each.join(', ') : each));
  if (serverId === undefined) throw new BadRequest('X-Instance-ID header is missing from request.');
  if (signature === undefined)
    throw new BadRequest('X-Instance-ID-Signature header is missing from request.');
  if (projectId === undefined) throw new BadRequest('X-Tenant-ID header is missing from request.');
  if (!signed(serverId, signature, secret)) throw new Forbidden('Invalid proxy request signature.');
  return { serverId, projectId, address: forwardedFor?.split(',')[0]?.trim() };
}

function signed(serverId: string, signature: string, secret: string): boolean {
  return sameSecret(signature, createHmac('sha256', secret).update(serverId).digest('hex'));
}
