"""Readers turn dumps into posts: one reader per format; `open_dump` finds the right one."""

from data_loaders.readers.base import RawPost, Reader, ReaderOptions, Record, Rejected
from data_loaders.readers.image_folder import ImageFolderReader
from data_loaders.readers.instagram_download import InstagramDownloadReader
from data_loaders.readers.instaloader import InstaloaderReader
from data_loaders.readers.json_lines import JsonLinesReader
from data_loaders.readers.parquet import ParquetReader
from data_loaders.readers.recbole import RecBoleReader
from data_loaders.readers.registry import list_readers, open_dump, register_reader
from data_loaders.readers.tabular import CsvReader, TsvReader
from data_loaders.readers.twitter_archive import TwitterArchiveReader
from data_loaders.readers.weibo import WeiboReader

__all__ = [
    "CsvReader",
    "ImageFolderReader",
    "InstagramDownloadReader",
    "InstaloaderReader",
    "JsonLinesReader",
    "ParquetReader",
    "RawPost",
    "Reader",
    "ReaderOptions",
    "RecBoleReader",
    "Record",
    "Rejected",
    "TsvReader",
    "TwitterArchiveReader",
    "WeiboReader",
    "list_readers",
    "open_dump",
    "register_reader",
]
