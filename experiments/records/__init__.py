"""Records: what commands write as JSON, as frozen types that say how it is read and described."""
