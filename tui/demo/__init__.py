"""An upstream made of packaged payloads, answered in-process below the HTTP gateway."""
