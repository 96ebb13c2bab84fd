"""Arabic captions."""

from __future__ import annotations

from data_loaders.sample.languages.base import Language, lines, word_table

ARABIC = Language(
    code="ar",
    script="arabic",
    share=0.02,
    words=word_table(
        """
        running: الجري | الماراثون
        yoga: اليوغا | تمارين الإطالة
        football: كرة القدم | ركلات الجزاء
        dance: الرقص | السالسا
        music: الموسيقى | الغيتار
        film: السينما | الأفلام
        reading: القراءة | الرواية
        chess: الشطرنج | كش ملك
        exam: الامتحانات | الدراسة
        office: المكتب | الاجتماعات
        shopping: التسوق | التخفيضات
        travel: السفر | المطار
        birthday: عيد الميلاد | الشموع
        wedding: الزفاف | العروس
        family: العائلة | جدتي
        baking: الخبز | البسكويت
        """
    ),
    about=lines(
        """
        اليوم كله عن {word}.
        مرة أخرى {word}.
        لا أفكر إلا في {word}.
        أجمل ما في الأسبوع: {word}.
        """
    ),
    fillers=lines(
        """
        أسبوع سعيد للجميع.
        بعض الأيام هكذا.
        لا شيء آخر يقال.
        شكرا على رسائلكم الجميلة!
        تأخرنا قليلا لكننا هنا.
        اكتبوا رأيكم في التعليقات.
        خطوة بعد خطوة دون عجلة.
        غدا أحكي لكم الباقي.
        بلا خطط وبمزاج جيد.
        """
    ),
    shorts=lines(
        """
        أخيرا!
        مزاج جيد
        مرة أخرى
        بلا كلام
        """
    ),
)
