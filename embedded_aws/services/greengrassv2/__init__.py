"""AWS IoT Greengrass V2, as far as components go: what a device would be sent is kept, and no device is there.

A request is routed by its method and path (rest.py) to an operation of service.py; recipe.py holds a recipe against
AWS's schema; cloudformation.py has the type AWS::GreengrassV2::ComponentVersion. Core devices, deployments and
components made of Lambda functions are refused by the operation's name, or the member's.
"""
