"""Methods that blur a whole channel in few calls of the library, for devices.

There each call is a launch, which takes as long as the work on thousands of pixels; and no cache
asks for strips.
"""
