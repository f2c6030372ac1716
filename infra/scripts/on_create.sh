# Runs once, as root, when the notebook instance is made: tells notebooks where the lab is.
# BUCKET, ENDPOINT, REGION and SEAT are set above.
set -eu

home=/home/ec2-user/SageMaker
mkdir -p "$home/data"
cat > "$home/lab.json" <<JSON
{"bucket": "$BUCKET", "endpoint": "$ENDPOINT", "region": "$REGION", "seat": "$SEAT"}
JSON
chown -R ec2-user:ec2-user "$home/data" "$home/lab.json"
