"""How a System's encoders compute on this processor: exactly, or faster where that names the same hashtags."""
