# Runs as root when the notebook instance is made and at every start: brings the lab's notebook and data, and tells
# notebooks where the lab is. A notebook that the student has changed stays as it is.
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

# Jupyter's kernels inherit these once its server has read them anew (aws-samples' lifecycle script "set-env-variable").
cat > /etc/profile.d/jupyter-env.sh <<VARIABLES
export AWS_DEFAULT_REGION=$REGION
export BRICKLAB_DATA=$home/data
export BRICKLAB_ENDPOINT=$ENDPOINT
export BRICKLAB_SEAT_URI=s3://$BUCKET/seats/$SEAT/
VARIABLES
systemctl --no-block restart jupyter-server
