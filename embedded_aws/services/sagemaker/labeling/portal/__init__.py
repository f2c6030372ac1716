"""The workers' portal of a workforce: `https://SUBDOMAIN/`, where its people sign in, choose a job and label."""
