import { Type } from 'typebox';
import { NotFound } from '../../../../platform/errors/errors.ts';
import { MalformedOAuth } from '../../model/oauth1.ts';
import { hasRunOut, type OAuth1 } from '../../store/oauth1.ts';
import { isGenuine, oauthRequest } from '../signed-request.ts';
import { type AuthMethod, authMethod } from './method.ts';

/**
 * `oauth1`: the request is signed with an access token that a user gave to a consumer. It settles the scope.
 *
 * Upstream: keystone/auth/plugins/oauth1.py.
 */
export const oauth1Method = (oauth1: OAuth1): AuthMethod =>
  authMethod({
    name: 'oauth1',
    schema: Type.Object({}),
    async prove(_part, { refused, ...request }) {
      const signed = (() => {
        try {
          return oauthRequest(request);
        } catch (error) {
          if (error instanceof MalformedOAuth) throw refused('Could not validate the access token');
          throw error;
        }
      })();
      const id = signed.parameters.get('oauth_token');
      if (!id) throw refused('Could not validate the access token');
      const token = await oauth1.accessToken(id);
      if (!token) throw new NotFound('Access token not found');
      if (hasRunOut(token)) throw refused('Access token is expired');
      const consumer = await oauth1.consumer(signed.stamp.consumerId);
      if (consumer?.id !== token.consumer_id || !(await isGenuine(oauth1, signed, consumer, token)))
        throw refused('Could not validate the access token');
      return {
        userId: token.user_id,
        authority: { kind: 'oauth1', accessTokenId: token.id },
        scope: { kind: 'project', projectId: token.project_id },
      };
    },
  });
