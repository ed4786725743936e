// A program for Amazon Rekognition with the AWS SDK for JavaScript v3: node program.mjs FOLDER
import { readFileSync } from 'node:fs';
import {
  AssociateFacesCommand, CompareFacesCommand, CreateCollectionCommand, CreateUserCommand,
  DeleteFacesCommand, DeleteUserCommand, DescribeCollectionCommand, DetectFacesCommand,
  DisassociateFacesCommand, IndexFacesCommand, InvalidS3ObjectException, paginateListFaces,
  RekognitionClient, SearchFacesByImageCommand, SearchUsersByImageCommand,
} from '@aws-sdk/client-rekognition';

const folder = process.argv[2];
const client = new RekognitionClient({});
const CollectionId = 'javascript';
const photo = (name) => ({ Bytes: readFileSync(`${folder}/${name}.jpg`) });

await client.send(new CreateCollectionCommand({ CollectionId }));
let exists;
try {
  await client.send(new CreateCollectionCommand({ CollectionId }));
} catch (error) {
  exists = error.name;
}
const indexed = await client.send(new IndexFacesCommand({
  CollectionId,
  Image: { S3Object: { Bucket: 'photos', Name: 'barack-obama-1.jpg' } },
  ExternalImageId: 'obama',
  DetectionAttributes: ['ALL'],
}));
await client.send(new IndexFacesCommand({
  CollectionId, Image: photo('joe-biden-1'), ExternalImageId: 'biden',
}));
const found = await client.send(new SearchFacesByImageCommand({
  CollectionId, Image: photo('barack-obama-2'), FaceMatchThreshold: 75,
}));
let noFace;
try {
  await client.send(new SearchFacesByImageCommand({ CollectionId, Image: photo('rocket') }));
} catch (error) {
  noFace = [error.name, error.message.startsWith('There are no faces in the image.')];
}
const { FaceDetails } = await client.send(new DetectFacesCommand({
  Image: photo('barack-obama-1'), Attributes: ['ALL'],
}));
const FaceIds = indexed.FaceRecords.map((record) => record.Face.FaceId);
await client.send(new CreateUserCommand({ CollectionId, UserId: '44' }));
await client.send(new AssociateFacesCommand({ CollectionId, UserId: '44', FaceIds }));
const users = await client.send(new SearchUsersByImageCommand({
  CollectionId, Image: photo('barack-obama-2'),
}));
const pages = [];
for await (const page of paginateListFaces({ client, pageSize: 1 }, { CollectionId })) {
  pages.push(...page.Faces.map((face) => face.ExternalImageId));
}
const compared = await client.send(new CompareFacesCommand({
  SourceImage: photo('barack-obama-1'), TargetImage: photo('barack-obama-2'), SimilarityThreshold: 70,
}));
let missing;
try {
  await client.send(new CompareFacesCommand({
    SourceImage: photo('barack-obama-1'),
    TargetImage: { S3Object: { Bucket: 'photos', Name: 'nobody.jpg' } },
  }));
} catch (error) {
  missing = error instanceof InvalidS3ObjectException ? 'MISSING' : error.name;
}
await client.send(new DisassociateFacesCommand({ CollectionId, UserId: '44', FaceIds }));
await client.send(new DeleteUserCommand({ CollectionId, UserId: '44' }));
const deleted = await client.send(new DeleteFacesCommand({ CollectionId, FaceIds }));
const { UserCount } = await client.send(new DescribeCollectionCommand({ CollectionId }));
console.log(JSON.stringify({
  faces: indexed.FaceRecords.length,
  recognised: found.FaceMatches[0].Face.ExternalImageId,
  noFace,
  exists,
  ages: FaceDetails.every((face) => face.AgeRange.Low >= 10 && face.Emotions[0].Type !== undefined),
  user: users.UserMatches[0].User.UserId,
  pages: pages.sort(),
  compared: [compared.FaceMatches.length, missing],
  left: [deleted.DeletedFaces.length, UserCount],
}));
