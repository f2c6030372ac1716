# Runs at every start, as root: brings the lab's notebook and data. A notebook that the student has changed stays as it is.
# BUCKET, ENDPOINT, REGION and SEAT are set above.
set -eu

home=/home/ec2-user/SageMaker
delivered="$home/.lab/bricks.ipynb"
mkdir -p "$home/.lab" "$home/data"

aws s3 sync --region "$REGION" --only-show-errors "s3://$BUCKET/data/" "$home/data/"
aws s3 cp --region "$REGION" --only-show-errors "s3://$BUCKET/notebooks/bricks.ipynb" "$delivered.new"
if [ ! -e "$home/bricks.ipynb" ] || cmp -s "$home/bricks.ipynb" "$delivered"; then
    cp "$delivered.new" "$home/bricks.ipynb"
    chown ec2-user:ec2-user "$home/bricks.ipynb"
fi
mv "$delivered.new" "$delivered"
chown -R ec2-user:ec2-user "$home/.lab" "$home/data"
