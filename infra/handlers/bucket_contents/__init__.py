"""The custom resource Custom::BucketContents: fills the lab's bucket, and empties it when the lab goes."""
