import { Type } from 'typebox';

export const Named = Type.Object({ id: Type.Optional(Type.String()), name: Type.Optional(Type.String()) });

/** A user as requests name him: by id, or by name and domain. */
export const NamedUser = Type.Object({
  id: Type.Optional(Type.String()),
  name: Type.Optional(Type.String()),
  domain: Type.Optional(Named),
});
