import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ec2Signature, s3Signature, UnknownSignature } from './ec2-signature.ts';

const base = { signature: '', host: '', verb: 'GET', path: '/', params: {}, headers: {} };

describe('an AWS signature', () => {
  it('of version 4 is that of the published example', () => {
    // "Signature Version 4 signing process" in AWS's General Reference: ListUsers of IAM.
    const request = {
      ...base,
      host: 'iam.amazonaws.com',
      params: { Action: 'ListUsers', Version: '2010-05-08' },
      headers: {
        Host: 'iam.amazonaws.com',
        'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
        'X-Amz-Date': '20150830T123600Z',
        Authorization:
          'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request,SignedHeaders=content-type;host;x-amz-date,Signature=x',
      },
      body_hash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    };
    assert.equal(
      ec2Signature('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', request),
      '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    );
  });

  it('of version 2 is that of the published example', () => {
    // "Signature Version 2" in AWS's General Reference: DescribeJobFlows of Elastic MapReduce.
    const request = {
      ...base,
      host: 'elasticmapreduce.amazonaws.com',
      params: {
        AWSAccessKeyId: 'AKIAIOSFODNN7EXAMPLE',
        Action: 'DescribeJobFlows',
        SignatureMethod: 'HmacSHA256',
        SignatureVersion: '2',
        Timestamp: '2011-10-03T15:19:30',
        Version: '2009-03-31',
      },
    };
    assert.equal(
      ec2Signature('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', request),
      'i91nKc4PWAt0JJIdXwz9HxZCJDdiy6cf/Mj6vPxyYIs=',
    );
  });

  it('is of a version that is known', () => {
    const strange: Record<string, string>[] = [{}, { SignatureVersion: '3' }, { SignatureVersion: '' }];
    for (const params of strange)
      assert.throws(() => ec2Signature('secret', { ...base, params }), UnknownSignature);
  });

  it('of a request whose date is not that of its scope is none', () => {
    const headers = {
      'X-Amz-Date': '20150831T123600Z',
      Authorization:
        'AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x',
    };
    assert.throws(() => ec2Signature('secret', { ...base, headers }), UnknownSignature);
  });

  it('of S3 is that of the published example', () => {
    // "Authenticating Requests: GET Object" in the Amazon S3 API Reference.
    const toSign = [
      'AWS4-HMAC-SHA256',
      '20130524T000000Z',
      '20130524/us-east-1/s3/aws4_request',
      '7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972',
    ].join('\n');
    assert.equal(
      s3Signature('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', Buffer.from(toSign)),
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
    assert.throws(
      () => s3Signature('secret', Buffer.from(toSign.replace('/s3/', '/ec2/'))),
      UnknownSignature,
    );
    assert.throws(() => s3Signature('secret', Buffer.from('AWS4-HMAC-SHA256\nx')), UnknownSignature);
  });
});
