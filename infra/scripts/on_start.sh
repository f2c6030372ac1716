# Runs as root when the notebook instance is made and at every start: brings the lab's notebooks, data and labelling page,
# and the kernel "Python 3 (lab)" with their variables and packages, and has the instance stopped when nobody uses it.
# A notebook that the student has changed stays as it is.
# BUCKET, DATABASE, ENDPOINT, IDLE_SECONDS, INSTANCE_TYPE, NAME, PREFIX, REGION, ROLE, SEAT and WORKGROUP are set above.
set -eu

home=/home/ec2-user/SageMaker
mkdir -p "$home/.lab" "$home/data"

# Copies those of the files that lie right below a prefix. The AWS CLI takes a second to start, and it starts once for all.
fetch() {
    prefix="$1"
    target="$2"
    shift 2
    for file; do set -- "$@" --include "$file"; shift; done
    aws s3 cp --region "$REGION" --only-show-errors --recursive --exclude "*" "$@" "s3://$BUCKET/$prefix/" "$target/"
}

# As the student, past the end of this script: SageMaker gives it five minutes.
start() {
    log="$1"
    shift
    sudo -u ec2-user env HOME=/home/ec2-user nohup "$@" >> "$log" 2>&1 < /dev/null &
}

aws s3 sync --region "$REGION" --only-show-errors "s3://$BUCKET/data/" "$home/data/"
fetched="$home/.lab/fetched"
notebooks="bricks.ipynb jobs.ipynb hosting.ipynb algorithms.ipynb pipeline.ipynb drift.ipynb"
programs="idle_stop.py kernel.sh labelling.zip packages.py requirements.txt"
fetch notebooks "$fetched" $notebooks $programs
# The seat's own copy is the student's to delete: then it is the lab's again.
fetch "seats/$SEAT" "$fetched" $notebooks
for notebook in $notebooks; do
    delivered="$home/.lab/$notebook"
    # Here their kernel is the lab's own; on a laptop it is whatever Jupyter runs with.
    sed 's/"name": "python3"/"name": "bricklab"/; s/"display_name": "Python 3"/"display_name": "Python 3 (lab)"/' \
        "$fetched/$notebook" > "$delivered.new"
    if [ ! -e "$home/$notebook" ] || cmp -s "$home/$notebook" "$delivered"; then
        cp "$delivered.new" "$home/$notebook"
        chown ec2-user:ec2-user "$home/$notebook"
    fi
    mv "$delivered.new" "$delivered"
done
for program in $programs; do mv "$fetched/$program" "$home/.lab/$program"; done
rm -r "$fetched"
rm -rf "$home/.lab/labelling"
python3 -m zipfile -e "$home/.lab/labelling.zip" "$home/.lab/labelling"

cat > "$home/.lab/variables.sh" <<VARIABLES
export AWS_DEFAULT_REGION=$REGION
export BRICKLAB_BUCKET=$BUCKET
export BRICKLAB_DATA=$home/data
export BRICKLAB_DATABASE=$DATABASE
export BRICKLAB_ENDPOINT=$ENDPOINT
export BRICKLAB_INSTANCE_TYPE=$INSTANCE_TYPE
export BRICKLAB_LABELLING=$home/.lab/labelling
export BRICKLAB_PREFIX=$PREFIX
export BRICKLAB_PROXY=/proxy/
export BRICKLAB_ROLE=$ROLE
export BRICKLAB_SEAT=$SEAT
export BRICKLAB_SEAT_URI=s3://$BUCKET/seats/$SEAT/
export BRICKLAB_WORKGROUP=$WORKGROUP
VARIABLES
# Jupyter's terminals are login shells and read these; kernels get them from kernel.sh.
cp "$home/.lab/variables.sh" /etc/profile.d/bricklab.sh

# A kernel of its own name: no other of the machine's stands before it. Jupyter finds those in the user's home
# (awslabs/nx-neptune and others install theirs there on notebook-al2023-v1).
kernel=/home/ec2-user/.local/share/jupyter/kernels/bricklab
mkdir -p "$kernel"
cat > "$kernel/kernel.json" <<KERNEL
{
 "argv": ["bash", "$home/.lab/kernel.sh", "{connection_file}"],
 "display_name": "Python 3 (lab)",
 "language": "python",
 "metadata": {"debugger": true}
}
KERNEL
echo "Installing the lab's packages." > "$home/.lab/packages.txt"
chown -R ec2-user:ec2-user "$home/data" /home/ec2-user/.local
chown ec2-user:ec2-user "$home/.lab" "$home/.lab"/*

start "$home/packages.log" python3 "$home/.lab/packages.py" \
    "$home/.lab/requirements.txt" "$home/.lab/python" "$home/.lab/packages.txt"
if [ "$IDLE_SECONDS" -gt 0 ]; then
    start "$home/.lab/idle-stop.log" python3 "$home/.lab/idle_stop.py" --folder "$home" \
        --notebook-instance "$NAME" --region "$REGION" --idle-seconds "$IDLE_SECONDS"
fi
